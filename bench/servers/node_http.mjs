/** Node's server, used as its documentation shows; runs on Node and on Deno. */
import { createServer } from "node:http";

const server = createServer((_request, response) => {
  response.writeHead(200, { "Content-Type": "text/plain" });
  response.end("Hello, World!");
});
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
