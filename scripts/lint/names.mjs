// Refuses file names that do not say what the file contains.
import { relative, sep } from "node:path";

const EMPTY_WORDS = new Set(["util", "utils", "helper", "helpers", "common", "misc", "manager", "service", "services"]);

export const names = {
  meta: { type: "problem", schema: [] },
  create(context) {
    return {
      Program(node) {
        const words = relative(context.cwd, context.filename).split(sep).join("-").split(/[-_.]/);
        const word = words.find((part) => EMPTY_WORDS.has(part.toLowerCase()));
        if (word) context.report({ node, message: `the name says "${word}": name the one idea that the file holds` });
      },
    };
  },
};
