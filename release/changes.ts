/** What a release changes in the files of the package, as pure text. */

/** The files that a release changes, by path. */
export interface Release {
  readonly "deno.json": string;
  readonly "CHANGELOG.md": string;
}

/** The heading under which changes are collected. */
const UNRELEASED = "## [Unreleased]\n";

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/;

/**
 * Returns the files of a release.
 *
 * @param version The version to release, such as `0.2.0`.
 * @param date The day of the release, as `YYYY-MM-DD`.
 * @param files The files as they are.
 * @returns The files as the release has them.
 * @throws {Error} The version is malformed or not above the last one, or the changelog has no changes.
 */
export function releaseOf(version: string, date: string, files: Release): Release {
  checkVersion(version, files["deno.json"]);
  return {
    "deno.json": withVersion(files["deno.json"], version),
    "CHANGELOG.md": withHeading(files["CHANGELOG.md"], `## [${version}] - ${date}`),
  };
}

function checkVersion(version: string, config: string): void {
  const { version: last } = JSON.parse(config) as { version: string };
  if (!VERSION.test(version)) {
    throw new Error(`Version must be three numbers such as 0.2.0: got ${version}`);
  }
  if (!isAbove(version, last)) {
    throw new Error(`Version must be above ${last}, the one in deno.json: got ${version}`);
  }
}

/** Whether the first number that differs is larger. */
function isAbove(version: string, last: string): boolean {
  const [to, from] = [version, last].map((text) => text.split(".").map(Number));
  const at = to!.findIndex((number, i) => number !== from![i]);
  return at !== -1 && to![at]! > from![at]!;
}

/** Changes one line, and keeps the rest of the file as it is written. */
function withVersion(config: string, version: string): string {
  return config.replace(/^( *"version": )"[^"]*"/m, `$1"${version}"`);
}

/** Gives the collected changes the heading of the version, and leaves an empty section above. */
function withHeading(changelog: string, heading: string): string {
  const [before, rest, ...more] = changelog.split(UNRELEASED);
  if (rest === undefined || more.length > 0) {
    throw new Error('CHANGELOG.md must have one heading "## [Unreleased]"');
  }
  if (!/^[-*] /m.test(rest.split(/^## /m)[0]!)) {
    throw new Error('CHANGELOG.md must name the changes under "## [Unreleased]"');
  }
  return `${before}${UNRELEASED}\n${heading}\n${rest}`;
}

/**
 * Returns the changes of one version, the text of its release.
 *
 * @param version A version that the changelog has.
 * @param changelog The changelog.
 * @returns The section without its heading.
 * @throws {Error} The changelog does not have the version.
 */
export function changesOf(version: string, changelog: string): string {
  const sections = changelog.split(/^## /m);
  const section = sections.find((text) => text.startsWith(`[${version}]`));
  if (section === undefined) throw new Error(`CHANGELOG.md must have a section for ${version}`);
  return section.slice(section.indexOf("\n")).trim();
}
