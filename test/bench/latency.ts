import { Agent, request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sent } from "./load.ts";
import type { Server } from "./server.ts";

interface OpenLoop {
  readonly perSecond: number;
  readonly requests: number;
  readonly next: () => Sent;
}

/**
 * Sends at a steady rate, whether or not what was sent before has been answered.
 * @returns the 99th percentile of the time to an answer, in ms
 */
export async function p99At(server: Server, load: OpenLoop): Promise<number> {
  const { perSecond, requests, next } = load;
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  try {
    const began = performance.now();
    const answers: Promise<number>[] = [];
    for (let i = 0; i < requests; i++) {
      const waitMs = began + (i * 1000) / perSecond - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      answers.push(timed(server, agent, next()));
    }
    const times = (await Promise.all(answers)).sort((a, b) => a - b);
    return times[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN;
  } finally {
    agent.destroy();
  }
}

function timed(server: Server, agent: Agent, { method = "GET", path, headers, body }: Sent) {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const began = performance.now();
  const text = body === undefined ? null : JSON.stringify(body);
  const type = text === null ? {} : { "content-type": "application/json" };
  const request = httpRequest(server.origin + path, {
    agent,
    method,
    headers: { ...type, ...headers },
  });
  request.on("error", reject);
  request.on("response", (response) => {
    response.resume();
    response.on("end", () => {
      if (response.statusCode === 200) resolve(performance.now() - began);
      else reject(new Error(`${method} ${path} was answered ${response.statusCode}`));
    });
  });
  request.end(text ?? undefined);
  return promise;
}
