/**
 * A plugin of bun's bundler that leaves out the `argon2` addon, a native file. Importing it fails at once, and vsync uses
 * the built-in Argon2id. The addon's loader would search folders outside the program.
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
