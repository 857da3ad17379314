/** Instead of Node's `crypto`, which bcryptjs imports for salts: wrangler.toml's `[alias]` says why. */
export default undefined;
