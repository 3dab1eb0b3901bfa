/** What a release changes in the files of the package. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { changesOf, releaseOf } from "../../release/changes.ts";

const CONFIG = '{\n  "name": "@a/b",\n  "version": "0.9.12",\n  "imports": { "version": "1" }\n}\n';
const CHANGELOG =
  "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A.\n\n## [0.9.12] - 2026-01-02\n\n- B.\n";
const FILES = { "deno.json": CONFIG, "CHANGELOG.md": CHANGELOG };

Deno.test("a release changes the version and the heading, and nothing else", () => {
  const { "deno.json": config, "CHANGELOG.md": changelog } = releaseOf(
    "0.10.0",
    "2026-11-26",
    FILES,
  );
  assertEquals(config, CONFIG.replace("0.9.12", "0.10.0"));
  assertEquals(
    changelog,
    CHANGELOG.replace("## [Unreleased]\n", "## [Unreleased]\n\n## [0.10.0] - 2026-11-26\n"),
  );
  assertEquals(changesOf("0.10.0", changelog), "### Added\n\n- A.");
  assertEquals(changesOf("0.9.12", changelog), "- B.");
});

Deno.test("the files of this repository make a release", async () => {
  const files = {
    "deno.json": await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
    "CHANGELOG.md": await Deno.readTextFile(new URL("../../CHANGELOG.md", import.meta.url)),
  };
  const { "CHANGELOG.md": changelog } = releaseOf("99.0.0", "2026-11-26", files);
  assert(changesOf("99.0.0", changelog).startsWith("### "));
});

const VERSIONS: readonly (readonly [version: string, message: string])[] = [
  ["0.9.12", "Version must be above 0.9.12, the one in deno.json: got 0.9.12"],
  ["0.9.9", "Version must be above 0.9.12, the one in deno.json: got 0.9.9"],
  ["0.8.13", "Version must be above 0.9.12, the one in deno.json: got 0.8.13"],
  ["1.0", "Version must be three numbers such as 0.2.0: got 1.0"],
  ["v1.0.0", "Version must be three numbers such as 0.2.0: got v1.0.0"],
  ["01.0.0", "Version must be three numbers such as 0.2.0: got 01.0.0"],
  ["1.0.0-rc.1", "Version must be three numbers such as 0.2.0: got 1.0.0-rc.1"],
];

for (const [version, message] of VERSIONS) {
  Deno.test(`version ${version} is refused`, () => {
    assertThrows(() => releaseOf(version, "2026-11-26", FILES), Error, message);
  });
}

for (const version of ["0.9.13", "0.10.0", "1.0.0"]) {
  Deno.test(`version ${version} is above 0.9.12`, () => {
    releaseOf(version, "2026-11-26", FILES);
  });
}

Deno.test("a changelog without changes, or without their heading, is refused", () => {
  const empty = CHANGELOG.replace("### Added\n\n- A.\n\n", "");
  const none = CHANGELOG.replace("[Unreleased]", "Unreleased");
  for (const changelog of [empty, none, CHANGELOG + CHANGELOG]) {
    const files = { ...FILES, "CHANGELOG.md": changelog };
    assertThrows(() => releaseOf("1.0.0", "2026-11-26", files), Error, "CHANGELOG.md must");
  }
  assertThrows(() => changesOf("1.0.0", CHANGELOG), Error, "CHANGELOG.md must have a section");
});
