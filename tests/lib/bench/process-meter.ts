/** Processor time and memory of a process, as /proc tells them. */
import { readFileSync } from "node:fs";

/** Ticks a second in /proc/PID/stat: USER_HZ, 100 on every Linux that we run on. */
const USER_HZ = 100;

/** Milliseconds of processor time that all threads of `pid` have used. */
export function cpuTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / USER_HZ;
}

/** Octets of memory of `pid` that are in RAM. */
export function residentOctets(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1024;
}

/** Slope of the line of least squares through (x, y). @returns 0 for fewer than two points */
export function slope(points: readonly (readonly [number, number])[]): number {
  const n = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const spreadX = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return spreadX === 0 ? 0 : points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spreadX;
}
