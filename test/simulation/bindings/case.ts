/**
 * What the Worker relies on in D1 and KV, as one table. It is run on the real bindings in workerd
 * (`real.test.ts`) and on the simulator's own (`simulated.node.test.ts`): an answer that differs
 * fails one of them.
 */
export interface Case<Binding> {
  readonly name: string;
  readonly ask: (binding: Binding) => Promise<unknown>;
  /** What it answers, or what its error says. */
  readonly gives: unknown;
}

/** D1 and KV as far as the Worker uses them, so that Node needs no types of the platform. */
export interface D1Answer {
  readonly results: unknown[];
  readonly meta: { readonly changes: number; readonly duration: number };
}
export interface D1Statement {
  bind(...values: unknown[]): D1Statement;
  all(): Promise<D1Answer>;
  run(): Promise<D1Answer>;
  first(column?: string): Promise<unknown>;
}
export interface D1Session {
  prepare(sql: string): D1Statement;
}
export interface D1 extends D1Session {
  batch(statements: D1Statement[]): Promise<D1Answer[]>;
  withSession(constraint: string): D1Session;
}
export interface Kv {
  get(key: string): Promise<string | null>;
  get(keys: string[]): Promise<Map<string, string | null>>;
  put(key: string, value: string, options?: { expirationTtl?: number }): Promise<void>;
  delete(key: string): Promise<void>;
}

/** What a case gave: its answer, or its error as text. */
export async function outcome<Binding>({ ask }: Case<Binding>, binding: Binding): Promise<unknown> {
  try {
    return await ask(binding);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
