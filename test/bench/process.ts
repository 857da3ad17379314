import { readdirSync, readFileSync } from "node:fs";

/** The processes that this one has started, whichever of its threads did. Linux only. */
export function children(): Set<number> {
  const pids = readdirSync("/proc/self/task").flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, "utf8").split(" ").filter(Boolean),
  );
  return new Set(pids.map(Number));
}

/** CPU time of all threads that live, in ms and to the microsecond: `stat` counts in ticks of 10 ms. */
export function cpuMs(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [onCpu = "0"] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
    ns += Number(onCpu);
  }
  return ns / 1e6;
}

/** What the process holds of the machine's memory, in MiB. */
export function residentMiB(pid: number): number {
  const [, kib = "0"] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
}
