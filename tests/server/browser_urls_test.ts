/**
 * What a browser sends as a URL passes, whichever characters a page puts into it: a browser
 * encodes what a URL must not hold, and the server refuses only that. curl encodes nothing.
 */
import { assert, assertEquals } from "@std/assert";
import type { Handler } from "@asynchttp/server";
import { withPage } from "./browser.ts";
import { run, servingWell, testWith } from "./tools.ts";

const PUNCTUATION = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))
  .filter((char) => !/[a-z0-9]/i.test(char));
/** Umlaut, euro, emoji, right-to-left, a combining accent, escapes that are none, controls. */
const OTHERS = ["ü", "€", "😀", "ש", "e\u0301", "%f", "%zz", "%00", "\t", "\x01", "\x7f", "\u0080"];
const CHARACTERS = [...PUNCTUATION, ...OTHERS];
const ALL = CHARACTERS.join("");

/** The ways in which a page causes a request; `ask(url)` resolves when it is over. */
const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>URLs</title>
<body>
<script>
  const over = (element, url, attribute) => new Promise((resolve) => {
    element.onload = element.onerror = () => { element.remove(); resolve(); };
    element[attribute] = url;
    document.body.append(element);
  });
  const inFrame = (act) => new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.name = "frame" + Math.random();
    document.body.append(frame);
    frame.onload = () => { frame.remove(); resolve(); };
    act(frame.name);
  });
  const form = (method, action, values, charset) => inFrame((target) => {
    const form = document.createElement("form");
    Object.assign(form, { method, action, target, acceptCharset: charset });
    for (const [name, value] of values) {
      const input = document.createElement("textarea");
      input.name = name;
      input.value = value;
      form.append(input);
    }
    document.body.append(form);
    form.submit();
  });
  const ways = {
    fetch: async (url) => void await (await fetch(url)).text(),
    xhr: (url) => new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.onloadend = resolve;
      request.open("GET", url);
      request.send();
    }),
    image: (url) => over(new Image(), url, "src"),
    script: (url) => over(document.createElement("script"), url, "src"),
    style: (url) => over(Object.assign(document.createElement("link"), { rel: "stylesheet" }), url, "href"),
    frame: (url) => over(document.createElement("iframe"), url, "src"),
    link: (url) => inFrame((target) => {
      const link = Object.assign(document.createElement("a"), { target });
      link.setAttribute("href", url);
      document.body.append(link);
      link.click();
    }),
    action: (url) => form("post", url, []),
  };
</script>
`;
const WAYS = ["fetch", "xhr", "image", "script", "style", "frame", "link", "action"];

interface Seen {
  readonly targets: string[];
  readonly handler: Handler;
}

/** Serves the page, and records the targets of everything else. */
function recorder(): Seen {
  const targets: string[] = [];
  const handler: Handler = async (request) => {
    if (request.target === "/") {
      return await request.respond(200, PAGE, { "Content-Type": "text/html" });
    }
    if (request.target !== "/favicon.ico") targets.push(request.target);
    await request.respond(200, "", { "Content-Type": "text/css" });
  };
  return { targets, handler };
}

/** Makes the browser ask; returns the targets that arrived, and fails if one was refused. */
async function targetsOf(script: string): Promise<string[]> {
  const { targets, handler } = recorder();
  const refused: string[] = [];
  await servingWell(handler, async (port) => {
    await withPage(async (page) => {
      await page.goto(`http://127.0.0.1:${port}/`);
      await page.evaluate(script);
    });
  }, { onReject: (error) => void refused.push(error.message) });
  assertEquals(refused, []);
  return targets;
}

for (const way of WAYS) {
  testWith("chromium", `a browser's URLs pass: ${way}`, async () => {
    // A character of its own in each URL: in the path, in the query, and in the fragment.
    const urls = CHARACTERS.map((char, i) => `/${way}/${i}/a${char}b?c=d${char}e#f${char}g`);
    const targets = await targetsOf(
      `Promise.all(${JSON.stringify(urls)}.map((url) => ways.${way}(url)))`,
    );
    const seen = new Set(targets.map((target) => target.split("/")[2]));
    assertEquals(CHARACTERS.filter((_, i) => !seen.has(String(i))), []);
    assert(targets.every((target) => !target.includes("#")));
  });
}

testWith("chromium", "a browser's URLs pass: forms, in UTF-8 and in another charset", async () => {
  const values = [[ALL, ALL], ...CHARACTERS.map((char) => [`a${char}b`, `c${char}d`])];
  const targets = await targetsOf(
    `Promise.all(["utf-8", "windows-1252", "shift_jis"].map((charset) =>
      form("get", "/form/" + charset, ${JSON.stringify(values)}, charset)))`,
  );
  assertEquals(targets.length, 3);
  const utf8 = targets.find((target) => target.startsWith("/form/utf-8?"))!;
  const received = [...new URLSearchParams(utf8.slice(utf8.indexOf("?")))];
  assertEquals(received.length, values.length);
  assertEquals(received[1], ["a b", "c d"]);
});

testWith(
  "curl",
  "what a browser sends passes when curl sends it, with and without globs",
  async () => {
    const targets = CHARACTERS.map((char) => {
      const { pathname, search } = new URL(`http://x/a${char}b?c=d${char}e`);
      return pathname + search;
    });
    const { targets: seen, handler } = recorder();
    await servingWell(handler, async (port) => {
      const urls = (of: string[]) => of.map((target) => `http://127.0.0.1:${port}${target}`);
      const asked = await run("curl", "-s", "--globoff", "--path-as-is", ...urls(targets));
      assertEquals(asked.code, 0, asked.stderr);
      assertEquals(seen.splice(0), targets);
      const plain = targets.filter((target) => !/[[\]{}]/.test(target));
      const globbed = await run("curl", "-s", "--path-as-is", ...urls(plain));
      assertEquals(globbed.code, 0, globbed.stderr);
      assertEquals(seen, plain);
    });
  },
);

/** curl sends what it is given, but for what cannot be in a request line or is a part of its own. */
testWith("curl", "what curl sends raw is refused where a URL must not hold it", async () => {
  for (const [part, refused] of [["path", '"<>\\'], ["query", '"<>']] as const) {
    const chars = PUNCTUATION.filter((char) => !" #?".includes(char));
    const answers: string[] = [];
    await servingWell(recorder().handler, async (port) => {
      for (const char of chars) {
        const target = part === "path" ? `/a${char}b` : `/a?b=c${char}d`;
        const args = ["--globoff", "--path-as-is", `http://127.0.0.1:${port}${target}`];
        const { stdout } = await run(
          "curl",
          "-s",
          "-o",
          "/dev/null",
          "-w",
          "%{http_code}",
          ...args,
        );
        answers.push(stdout);
      }
    });
    assertEquals(chars.filter((_, i) => answers[i] === "400").join(""), refused, part);
    assert(answers.every((status) => status === "200" || status === "400"), answers.join());
  }
});
