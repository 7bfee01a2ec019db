import { readFileSync } from "node:fs";
import { OCLIF, withLazyRequires } from "../bundle/lazy-requires.mjs";

/** `lazyRequires` as a plugin of bun's bundler. */
export const lazyRequires = {
  name: "lazy-requires",
  setup(build) {
    build.onLoad({ filter: OCLIF }, ({ path }) => {
      return { contents: withLazyRequires(readFileSync(path, "utf8")), loader: "js" };
    });
  },
};
