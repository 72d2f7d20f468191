/**
 * What a process has cost so far, read from /proc: user and system time of all its threads (those that ended
 * included), of its children too, and the memory it holds. Linux only.
 *
 * `getrusage` would need the process's help; /proc sees a Prosody or a beam.smp exactly as it sees the gateway.
 */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ: 100 in every Linux ABI that Bun runs on (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

interface Stat {
  parent: number;
  ticks: number;
}

function stat(pid: number): Stat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return null;
  }
  // The second field is the name in parentheses and may hold anything: count from the last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const number = (at: number) => Number(fields[at]);
  // proc(5): ppid is field 4, utime 14, stime 15; fields[0] is field 3.
  return { parent: number(1), ticks: number(11) + number(12) };
}

/** The process and everything that descends from it. */
function family(root: number): Map<number, Stat> {
  const all = new Map<number, Stat>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const found = stat(pid);
    if (found !== null) all.set(pid, found);
  }
  const members = new Map<number, Stat>();
  for (const [pid, found] of all) {
    for (let at = pid, hops = 0; hops < 64; hops++) {
      if (at === root) {
        members.set(pid, found);
        break;
      }
      const parent = all.get(at)?.parent;
      if (parent === undefined || parent <= 1) break;
      at = parent;
    }
  }
  return members;
}

/** CPU seconds, user and system, of all threads of the process and its descendants. */
export function cpuSeconds(root: number): number {
  let ticks = 0;
  for (const member of family(root).values()) ticks += member.ticks;
  if (ticks === 0 && stat(root) === null) throw new Error(`process ${root} is gone`);
  return ticks / TICKS_PER_SECOND;
}

/** Resident bytes of the process alone. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
  if (match === null) throw new Error(`process ${pid} is gone`);
  return Number(match[1]) * 1024;
}

export function alive(pid: number): boolean {
  return stat(pid) !== null;
}
