/**
 * `com.rayo:Type=Info` and the beans of java.lang that the original's console reads (§4.1), with this process's own
 * values. Java's -1 means "not known".
 */

import { readFileSync } from "node:fs";
import os from "node:os";
import type { Gateway } from "../gateway.ts";
import { type Bean, bean } from "./bean.ts";

export interface Build {
  version: string;
  buildId: string;
  /** 0 where builds are not counted. */
  buildNumber: number;
}

export function infoBean(gateway: Gateway, build: Build): Bean {
  return bean("com.rayo:Type=Info", {
    BuildNumber: () => build.buildNumber,
    BuildId: () => build.buildId,
    VersionNumber: () => build.version,
    Uptime: () => uptimeText(gateway.status().uptime_seconds),
  });
}

/** `1d 2h 3m 4s `: a blank after each part, parts that are 0 left out; hours end at 24 (BUG 28). */
export function uptimeText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "m"],
    [whole % 60, "s"],
  ];
  return parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit} `).join("");
}

export function javaBeans(): Bean[] {
  return [
    bean("java.lang:type=Memory", {
      HeapMemoryUsage: () => {
        const { heapUsed, heapTotal } = process.memoryUsage();
        return { init: 0, used: heapUsed, committed: Math.max(heapUsed, heapTotal), max: -1 };
      },
      NonHeapMemoryUsage: () => {
        const { heapUsed, heapTotal, rss } = process.memoryUsage();
        const rest = Math.max(0, rss - Math.max(heapUsed, heapTotal));
        return { init: 0, used: rest, committed: rest, max: -1 };
      },
    }),
    bean("java.lang:type=OperatingSystem", {
      Name: () => os.type(),
      Arch: () => os.arch(),
      Version: () => os.release(),
      AvailableProcessors: () => os.availableParallelism(),
      SystemLoadAverage: () => os.loadavg()[0] ?? -1,
      FreePhysicalMemorySize: () => os.freemem(),
      TotalPhysicalMemorySize: () => os.totalmem(),
    }),
    bean("java.lang:type=Threading", { ThreadCount: threadCount }),
  ];
}

/** Linux tells; elsewhere there is at least the one that asks. */
function threadCount(): number {
  try {
    return Number(/^Threads:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 1);
  } catch {
    return 1;
  }
}
