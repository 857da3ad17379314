import axios from "axios";
import { createAuthRefresh } from "axios-auth-refresh";

const issuer = process.env.ISSUER ?? "https://auth.example.com";

/** An axios that refreshes the access token, as long as the refresh token lasts. */
export function authorized(tokens: { access: string; refresh: string }) {
  const api = axios.create({ baseURL: issuer });

  // Reads the token for each request, also for those that are sent again.
  api.interceptors.request.use((request) => {
    request.headers.set("Authorization", `Bearer ${tokens.access}`);
    return request;
  });

  async function refresh(failed: { config: { headers: { Authorization?: unknown } } }) {
    // Another request's refresh was faster: this one only has to be sent again.
    if (failed.config.headers.Authorization !== `Bearer ${tokens.access}`) return;
    // The plain axios, because a failed refresh must not cause another.
    const { data } = await axios.post(`${issuer}/api/token/refresh/`, { refresh: tokens.refresh });
    Object.assign(tokens, data);
  }

  // Its types are those of axios for `require`, which TypeScript distinguishes from those for `import`.
  const instance = api as Parameters<typeof createAuthRefresh>[0];
  // With `true`, the default, only the first of many requests that fail at once is sent again.
  createAuthRefresh(instance, refresh, { deduplicateRefresh: false });
  return api;
}
