/**
 * A plugin of bun's bundler: the `argon2` addon, a native file, stays outside, and importing it fails at once, on which
 * vsync takes the built-in Argon2id. Its loader would look for the file in folders that are none of the program's own.
 */
export const absentAddon = {
  name: "absent-addon",
  setup(build) {
    build.onResolve({ filter: /^argon2$/ }, ({ path }) => ({ path, namespace: "absent" }));
    build.onLoad({ filter: /./, namespace: "absent" }, ({ path }) => {
      return { contents: `throw new Error("${path} is not part of this program"); export {};`, loader: "js" };
    });
  },
};
