/** Its client knows one service, which the environment names. */
export default {
  latchkey: {
    input: "../../../src/console/assets/openapi.json",
    output: { target: "dist/orval/latchkey.ts", client: "fetch", baseUrl: process.env.LATCHKEY },
  },
};
