import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";

/** Longer than any path with a token in it; the trie is walked at the price of each segment. */
const MAX_PATH = 8_192;

/**
 * Paths without a parameter by one look-up, the others by Hono's trie. Its RegExp router is the
 * quicker of its two, and does not take `/token/all` beside `/token/:token`.
 */
export function pathRouter<T>(): Router<T> {
  const fixed = new Map<string, Result<T>>();
  const others = new TrieRouter<T>();
  return {
    name: "PathRouter",
    add(method, path, handler) {
      // Whatever the method is: a path has one handler, which knows what to do with each. The first
      // of two stays, as with Hono's own.
      if (/[:*]/.test(path)) others.add(method, path, handler);
      else if (!fixed.has(path)) fixed.set(path, [[[handler, {}]]]);
    },
    match(method, path) {
      const found = fixed.get(path);
      if (found !== undefined) return found;
      if (path.length > MAX_PATH) return [[]];
      // With a last slash it is the same path, as in Express and Laravel.
      const bare = /[^/]\/$/.test(path.slice(-2)) ? path.slice(0, -1) : path;
      return fixed.get(bare) ?? others.match(method, bare);
    },
  };
}
