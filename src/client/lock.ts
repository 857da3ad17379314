interface Locks {
  request<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** Runs one at a time among all tabs of an origin if Web Locks exist, otherwise right away. */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const locks = webLocks();
  if (locks === null) return work();
  let hasStarted = false;
  const start = () => {
    hasStarted = true;
    return work();
  };
  try {
    return await locks.request(name, start);
  } catch (error) {
    // Sandboxed pages have Web Locks but may not use them.
    if (hasStarted) throw error;
    return work();
  }
}

function webLocks(): Locks | null {
  const navigator: unknown = Reflect.get(globalThis, "navigator");
  const locks = isObject(navigator) ? Reflect.get(navigator, "locks") : null;
  return isLocks(locks) ? locks : null;
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

const isLocks = (value: unknown): value is Locks =>
  isObject(value) && typeof Reflect.get(value, "request") === "function";
