import { svelte } from "@sveltejs/vite-plugin-svelte";
import { brotliCompress } from "node:zlib";
import { promisify } from "node:util";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const WORTH_IT = 0.9;
const TEXTS = /\.(js|css|svg)$/;

/** Beside each text file the same compressed, once for all: the server only hands it out. */
function compressed(): Plugin {
  const compress = promisify(brotliCompress);
  return {
    name: "compressed",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      async handler(_, bundle) {
        for (const [name, file] of Object.entries(bundle)) {
          if (TEXTS.test(name)) {
            const plain = Buffer.from(file.type === "chunk" ? file.code : file.source);
            const source = await compress(plain);
            if (source.length < plain.length * WORTH_IT) {
              this.emitFile({ type: "asset", fileName: `${name}.br`, source });
            }
          }
        }
      },
    },
  };
}

// `npm run dev` shows the client on a port of its own, in front of a desk at the usual address.
const desk = process.env["DESK"] ?? "http://127.0.0.1:5000";

export default defineConfig({
  plugins: [svelte(), compressed()],
  build: {
    outDir: "../src/alphaforge/api/web",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the policy allows no scripts or styles within the page
    modulePreload: { polyfill: false },
    target: "es2022",
    rolldownOptions: { checks: { pluginTimings: false } }, // a machine that is slow is no fault of the client
  },
  server: { proxy: { "/api": desk, "/docs": desk, "/openapi.json": desk, "/health": desk } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
