// What a program does that uses OpenAI's npm package: node openai_client.mjs URL KEY
import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "!words 3 50ms" }];

const models = [];
for await (const model of client.models.list()) models.push(model.id);
console.log("models", models.join(" "));

const whole = await client.chat.completions.create({ model: "main", messages });
console.log("whole", whole.choices[0].message.content, whole.usage.completion_tokens > 0);

const stream = await client.chat.completions.create({ model: "main", messages, stream: true });
let text = "";
for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
console.log("stream", text);

const first = await client.responses.create({ model: "main", input: "remember the plum" });
const second = await client.responses.create({ model: "main", input: "!history", previous_response_id: first.id });
console.log("response", second.output_text.includes("remember the plum"));

try {
  await client.chat.completions.create({ model: "main", messages, n: 2 });
} catch (problem) {
  console.log("refused", problem.status, problem.param);
}

const broken = await client.chat.completions.create({
  model: "main",
  messages: [{ role: "user", content: "!words 3 50ms\n!status 400" }],
  stream: true,
});
try {
  for await (const _ of broken);
  console.log("broken", "ended");
} catch (problem) {
  console.log("broken", problem.code);
}
