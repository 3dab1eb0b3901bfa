/** Node's server, used as its documentation shows; runs on Node and on Deno. */
import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import process from "node:process";

function hello(_request, response) {
  response.writeHead(200, { "Content-Type": "text/plain" });
  response.end("Hello, World!");
}

function echo(request, response) {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => response.end(Buffer.concat(chunks)));
}

const server = createServer(process.argv[2] === "echo" ? echo : hello);
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
