import { gzipSync } from "node:zlib";

import { paraglideVitePlugin } from "@inlang/paraglide-js";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";
import { VitePWA } from "vite-plugin-pwa";

import { faults } from "./catalogues.ts";

/** Compressed JavaScript and styles that a family's first page may have, in bytes. */
const FIRST_PAGE_BYTES = 150_000;

function catalogues(): Plugin {
  return {
    name: "catalogues",
    buildStart() {
      const found = faults(import.meta.dirname);
      if (found.length) this.error(found.join("\n"));
    },
  };
}

function budget(): Plugin {
  return {
    name: "budget",
    apply: "build",
    generateBundle(_options, bundle) {
      const parts = Object.values(bundle);
      const entry = parts.find((one) => one.type === "chunk" && one.isEntry && one.facadeModuleId?.endsWith("index.html"));
      if (entry?.type !== "chunk") return; // the service worker, which no page waits for
      const first = [entry, ...entry.imports.map((name) => bundle[name])].flatMap((one) => (one?.type === "chunk" ? [one.code] : []));
      const styles = parts.flatMap((one) => (one.type === "asset" && one.fileName.endsWith(".css") ? [one.source] : []));
      const [scripts_b, styles_b] = [first, styles].map((all) => all.reduce((sum, one) => sum + gzipSync(one).length, 0)) as [number, number];
      const sum = scripts_b + styles_b;
      const words = `first page: ${kB(sum)} compressed (JavaScript ${kB(scripts_b)}, styles ${kB(styles_b)}), at most ${kB(FIRST_PAGE_BYTES)}`;
      if (sum > FIRST_PAGE_BYTES) this.error(words);
      console.log(words);
    },
  };
}

function kB(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

export default defineConfig({
  base: "/app/",
  build: { rolldownOptions: { checks: { pluginTimings: false } }, assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
  plugins: [
    catalogues(),
    paraglideVitePlugin({
      project: "./project.inlang",
      outdir: "./src/paraglide",
      strategy: ["localStorage", "preferredLanguage", "baseLocale"],
      isServer: "false",
    }),
    svelte(),
    VitePWA({
      strategies: "injectManifest",
      srcDir: "src",
      filename: "sw.ts",
      injectRegister: null,
      manifest: {
        id: "/app/",
        name: "安居 Anju",
        short_name: "安居",
        lang: "zh-Hans-CN",
        start_url: "/app/",
        scope: "/app/",
        display: "standalone",
        background_color: "#f5f3ee",
        theme_color: "#1f6f5c",
        icons: [
          { src: "icon-192.png", sizes: "192x192", type: "image/png" },
          { src: "icon-512.png", sizes: "512x512", type: "image/png" },
          { src: "icon-maskable.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
        ],
      },
      injectManifest: { globPatterns: ["**/*.{js,css,html,svg}", "icon-192.png"], minify: true, sourcemap: false },
    }),
    budget(),
  ],
});
