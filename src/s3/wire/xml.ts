import { parseXML } from "@aws-sdk/xml-builder";

/** Returns the text of a child of S3's `<Error>`; undefined if the child is missing or has children of its own. */
export type ErrorField = (name: string) => string | undefined;

/** If this is not an error document, every field is undefined. */
export function readError(bytes: Uint8Array): ErrorField {
  const fields = fieldsIn(bytes);
  return (name) => {
    const value = fields[name];
    return typeof value === "string" ? value : undefined;
  };
}

function fieldsIn(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const { Error: found } = parseXML(Buffer.from(bytes).toString());
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}
