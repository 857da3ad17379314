/** Replaces Node's `crypto`, which bcryptjs imports for salts. `[alias]` in wrangler.toml says why. */
export default undefined;
