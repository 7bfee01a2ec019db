// A command parses, calls one use-case and renders. The base command in src/cli turns errors into exit codes.
export const commandTry = {
  meta: { type: "problem", schema: [] },
  create(context) {
    return {
      TryStatement: (node) => context.report({ node, message: "a command lets errors through to the base command" }),
    };
  },
};
