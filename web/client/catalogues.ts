/** The catalogues hold the same messages with the same blanks, and no message that nobody uses. Paraglide by itself falls back to another language. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const BASE = "zh";

/** What is wrong with the catalogues of a client, in sentences; empty where nothing is. */
export function faults(root: string): string[] {
  const catalogues = new Map(
    readdirSync(join(root, "messages")).map((file) => [
      file.replace(/\.json$/, ""),
      JSON.parse(readFileSync(join(root, "messages", file), "utf8")) as Record<string, string>,
    ]),
  );
  const base = keyed(catalogues.get(BASE) ?? {});
  const used = words(join(root, "src"));
  const found: string[] = [];
  for (const [language, catalogue] of catalogues) {
    const own = keyed(catalogue);
    for (const [key, text] of base) {
      const translated = own.get(key);
      if (!translated) found.push(`messages/${language}.json has no ${key}`);
      else if (blanks(translated) !== blanks(text)) found.push(`messages/${language}.json ${key} has other blanks than ${BASE}`);
    }
    for (const key of own.keys()) if (!base.has(key)) found.push(`messages/${language}.json has ${key}, which ${BASE} has not`);
  }
  for (const key of base.keys()) if (!used.has(key)) found.push(`nobody uses the message ${key}`);
  return found;
}

function keyed(catalogue: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(catalogue).filter(([key]) => !key.startsWith("$")));
}

function blanks(text: string): string {
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort().join(" ");
}

/** Names of messages in the source. */
function words(folder: string): Set<string> {
  const found = new Set<string>();
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !/\.(svelte|ts)$/.test(entry.name) || entry.parentPath.includes("paraglide")) continue;
    for (const match of readFileSync(join(entry.parentPath, entry.name), "utf8").matchAll(/\bm\.(\w+)/g)) found.add(match[1] ?? "");
  }
  return found;
}
