import * as v from "valibot";
import type { JsonObject } from "./description.ts";

const id = v.nullable(v.pipe(v.string(), v.uuid()));

/** `LatchkeyEvent` of core/deliveries.ts. */
export const EventBody = v.object({
  id: v.pipe(v.string(), v.uuid()),
  type: v.pipe(v.string(), v.description("A kind of event, or one that an action named.")),
  at: v.pipe(v.string(), v.isoTimestamp()),
  user_id: id,
  actor: id,
  subject: v.pipe(id, v.description("Of an action's own event: the receipt of the run.")),
  credential: id,
  outcome: v.picklist(["done", "refused"]),
  data: v.optional(v.unknown()),
});

const header = (name: string, description: string): JsonObject => ({
  name,
  in: "header",
  required: true,
  description,
  schema: { type: "string" },
});

/** What the deployment's `EVENTS_WEBHOOK_URL` is sent. */
export const eventWebhookDoc = (convert: (schema: v.GenericSchema) => JsonObject): JsonObject => ({
  event: {
    post: {
      operationId: "receiveEvent",
      summary: "Every event, sent to the deployment's webhook",
      description:
        "Signed as Standard Webhooks. Sent at least once, and each user's events in order, until it is accepted.",
      security: [],
      parameters: [
        header("webhook-id", "The same in every repetition."),
        header("webhook-timestamp", "Seconds since 1970."),
        header("webhook-signature", "`v1,` and the HMAC-SHA256, one for each secret."),
      ],
      requestBody: {
        required: true,
        content: { "application/json": { schema: convert(EventBody) } },
      },
      responses: {
        "2XX": { description: "Accepted." },
        "410": {
          description:
            "Nobody is here any more: the event becomes a dead letter. After any other answer it is sent again.",
        },
      },
    },
  },
});
