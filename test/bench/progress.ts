/** One line that changes on a terminal; elsewhere a line whenever what comes before its colon does. */
export function progressLine(stream: NodeJS.WriteStream) {
  const began = Date.now();
  let last = "";
  return {
    show(said: string): void {
      const seconds = Math.round((Date.now() - began) / 1000);
      const line = `${seconds} s  ${said}`;
      if (stream.isTTY) {
        stream.write(`\r\x1b[K${line.slice(0, stream.columns - 1)}`);
        return;
      }
      const [part = ""] = said.split(":");
      if (part !== last) stream.write(`${line}\n`);
      last = part;
    },
    clear(): void {
      if (stream.isTTY) stream.write("\r\x1b[K");
    },
  };
}
