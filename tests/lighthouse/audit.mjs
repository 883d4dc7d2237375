/** Audits pages by one browser: takes `{chromium, flags, pages: [{name, url, headers}], options}` on stdin, prints a report of each as a line of JSON. */

import { text } from "node:stream/consumers";

import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const { chromium, flags, pages, options } = JSON.parse(await text(process.stdin));
const chrome = await launch({ chromePath: chromium, chromeFlags: flags });
try {
  for (const { name, url, headers } of pages) {
    const { lhr } = await lighthouse(url, { port: chrome.port, extraHeaders: headers, logLevel: "error", ...options });
    const { runtimeError, finalDisplayedUrl, categories, audits } = lhr;
    console.log(JSON.stringify({ name, runtimeError, finalDisplayedUrl, categories, audits }));
  }
} finally {
  await chrome.kill();
}
