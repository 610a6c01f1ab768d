// Sends an event and a batch with the client that was generated from the document, and prints the answers. Code that
// contradicts the document does not compile.
import createClient from "openapi-fetch";
import type { components, paths } from "./ingest.js";

declare const process: { argv: string[] };

const [baseUrl = "", key = ""] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { "X-API-Key": key } });

type NewEvent = components["schemas"]["NewEvent"];

const event: NewEvent = { eventType: "client.event", payload: { n: 1 }, metadata: { from: "a generated client" } };

const one = await client.POST("/events", { body: event, params: { header: { "Idempotency-Key": "client-1" } } });
if (!one.data) throw new Error(one.error?.detail ?? one.error?.title);
const id: string = one.data.eventId;

const good: NewEvent = { ...event, idempotencyKey: "client-2" };
const many = await client.POST("/events/batch", { body: [good, { ...event, eventType: "" }] });
if (!many.data) throw new Error("none went in");
const [first, second] = many.data.results;

const refused = await client.POST("/events", { body: { ...event, eventType: "" } });
// @ts-expect-error there is no such member
refused.error?.nothing;
// @ts-expect-error an event has a payload
const without: NewEvent = { eventType: "a" };
type Sent = paths["/events"]["post"]["requestBody"]["content"];
// @ts-expect-error an object is an event or a CloudEvent
const other: Sent[keyof Sent] = { order: 1 };

console.log(JSON.stringify({ id, accepted: many.data.accepted, first, second, refused: refused.error?.field, without, other }));
