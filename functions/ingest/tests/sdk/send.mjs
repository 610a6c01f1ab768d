// Sends CloudEvents in each mode to the given URL, and prints the answer to each request.
import { CONSTANTS, CloudEvent, HTTP } from "cloudevents";

const [url] = process.argv.slice(2);

const event = (id, more) =>
  new CloudEvent({ id, source: "/sdk", type: "com.example.sdk", time: "2018-04-05T17:31:00.000Z", ...more });

// The HTTP binding wants percent-encoding in headers, but the SDK does not do it, so the subject is ASCII.
const object = { subject: "100% of it", comexample: "value", number: 5, data: { a: [1, "é"] } };

async function post(path, { headers, body }) {
  const answer = await fetch(url + path, { method: "POST", headers, body });
  console.log(JSON.stringify({ status: answer.status, body: await answer.json() }));
}

await post("/events", HTTP.structured(event("1", object)));
await post("/events", HTTP.binary(event("2", object)));
// The same event in another mode.
await post("/events", HTTP.binary(event("1", object)));
await post("/events", HTTP.structured(event("3", { data: new Uint8Array([0, 1, 255]) })));
await post("/events", HTTP.binary(event("4", { datacontenttype: "text/plain", data: "text" })));
await post("/events", HTTP.structured(event("5", {})));
// The SDK reads batches, but it has no function that writes one.
await post("/events/batch", {
  headers: { "content-type": CONSTANTS.MIME_CE_BATCH },
  body: JSON.stringify([event("6", object), event("7", { data: "text" }), event("6", object)]),
});
