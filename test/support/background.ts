const pending = new Set<Promise<unknown>>();

/** Remembers what goes on after an answer until it is done. */
export function track<T>(work: Promise<T>): Promise<T> {
  const done = () => void pending.delete(work);
  pending.add(work);
  work.then(done, done);
  return work;
}

/** Waits for all of it and what it starts. It polls, because workerd fails where one request awaits another's promise. */
export async function backgroundDone(): Promise<void> {
  while (pending.size > 0) await scheduler.wait(1);
}
