import { describe, expect, it } from "vitest";
import { anonymizedAddress } from "../../src/http/address.ts";

describe("an address as it is kept", () => {
  it.each([
    ["203.0.113.77", "203.0.113.77", "203.0.113.0/24"],
    ["0.0.0.0", "0.0.0.0", "0.0.0.0/24"],
    ["255.255.255.255", "255.255.255.255", "255.255.255.0/24"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"],
    ["2001:0DB8:0001:0002::0006", "2001:db8:1:2::6", "2001:db8:1::/48"],
    ["2001:db8::1", "2001:db8::1", "2001:db8::/48"],
    ["::1", "::1", "::/48"],
    ["::", "::", "::/48"],
    ["fe80::1", "fe80::1", "fe80::/48"],
    ["0:0:1::", "0:0:1::", "0:0:1::/48"],
    // IPv4 in IPv6's form is IPv4: or all of it would be one network.
    ["::ffff:203.0.113.77", "203.0.113.77", "203.0.113.0/24"],
    ["::FFFF:cb00:714d", "203.0.113.77", "203.0.113.0/24"],
    ["0:0:0:0:0:ffff:203.0.113.77", "203.0.113.77", "203.0.113.0/24"],
  ])("%s", (address, full, truncated) => {
    expect(anonymizedAddress(address, "full")).toBe(full);
    expect(anonymizedAddress(address, "truncated")).toBe(truncated);
    expect(anonymizedAddress(address, "none")).toBeNull();
  });

  it.each([
    "",
    " ",
    "unknown",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "0x7f.1.1.1",
    "127.0.0.1:80",
    "1.2.3.4, 5.6.7.8",
    "fe80::1%eth0",
    "[::1]",
    "::1]/x",
    ":",
    ":::",
    "1:2:3:4:5:6:7:8:9",
    "12345::",
    "<script>",
    "a@b.cd",
    "x".repeat(10_000),
    ":".repeat(10_000),
  ])("keeps nothing of %j, which is none", (address) => {
    expect(anonymizedAddress(address, "full")).toBeNull();
    expect(anonymizedAddress(address, "truncated")).toBeNull();
  });
});
