import express from "express";
import jwt from "jsonwebtoken";
import { generateKeyPairSync, randomUUID } from "node:crypto";

/** What a service with Express and jsonwebtoken does: it verifies a JWT, and gives an access JWT for a refresh JWT. */
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const algorithm = "ES256";
const issuer = "https://auth.example.com";

const sign = (type, expiresIn) =>
  jwt.sign({ token_type: type, user_id: randomUUID() }, privateKey, {
    algorithm,
    expiresIn,
    issuer,
    jwtid: randomUUID(),
  });

const verify = (token, type) => {
  const claims = jwt.verify(token, publicKey, { algorithms: [algorithm], issuer });
  if (claims.token_type !== type) throw new Error("a JWT of another type");
  return claims;
};

const app = express();
app.disable("x-powered-by");
app.use(express.json());
app.post("/api/token/verify/", ({ body }, response) => {
  verify(body.token, "access");
  response.json({});
});
app.post("/api/token/refresh/", ({ body }, response) => {
  verify(body.refresh, "refresh");
  response.json({ access: sign("access", 300) });
});
/** JWTs for a measurement. */
app.get("/made/:type/:count", ({ params: { type, count } }, response) => {
  const lives = type === "access" ? 300 : 86_400;
  response.json({ tokens: Array.from({ length: Number(count) }, () => sign(type, lives)) });
});
app.use((_error, _request, response, _next) => response.status(401).json({}));

const server = app.listen(0, "127.0.0.1", () => {
  console.log(server.address().port);
});
