/** A client that sends all of its body before it reads must still read why it was rejected. */
import { assertEquals } from "@std/assert";
import { run, servingWell, testWith } from "./tools.ts";

/** Python's http.client sends the whole body and only then reads. */
const UPLOAD = `
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
connection.request("PUT", "/", b"x" * int(sys.argv[2]))
print(connection.getresponse().status)
`;

for (const megabytes of [9, 20, 100]) {
  testWith(
    "python3",
    `a client that sends ${megabytes} MB before it reads gets its 413`,
    async () => {
      await servingWell(() => {}, async (port) => {
        const outcomes = [];
        for (let i = 0; i < 5; i++) {
          const { stdout, stderr } = await run(
            "python3",
            "-c",
            UPLOAD,
            `${port}`,
            `${megabytes}000000`,
          );
          outcomes.push(stdout.trim() || stderr.trim().split("\n").at(-1));
        }
        assertEquals(outcomes, Array(5).fill("413"));
      });
    },
  );
}
