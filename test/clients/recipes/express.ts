import express from "express";
import { auth } from "express-oauth2-jwt-bearer";

const issuer = process.env.ISSUER ?? "https://auth.example.com";

export const api = express();
api.use(auth({ issuerBaseURL: issuer, audience: issuer, strict: true, tokenSigningAlg: "ES256" }));
api.get("/whoami", (request, response) => {
  response.json({ user: request.auth?.payload.sub });
});
