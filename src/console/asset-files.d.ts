/** Files under assets/ are imported as their text: see the rules in wrangler.toml. */
declare module "*.css" {
  const text: string;
  export default text;
}

declare module "*/assets/openapi.json" {
  const text: string;
  export default text;
}

declare module "*/assets/console.js" {
  const text: string;
  export default text;
}

declare module "*.svg" {
  const text: string;
  export default text;
}
