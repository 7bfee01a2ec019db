// `new Date()` reads the clock like `Date.now()`; with an argument it only converts.

const isDate = (callee) => callee.type === "Identifier" && callee.name === "Date";

export const ambientTime = {
  meta: { type: "problem", schema: [] },
  create(context) {
    const report = (node) => {
      if (!isDate(node.callee) || !context.sourceCode.isGlobalReference(node.callee)) return;
      context.report({ node, message: "the time comes from the Clock that was handed in" });
    };
    return {
      NewExpression: (node) => node.arguments.length === 0 && report(node),
      CallExpression: report,
    };
  },
};
