import { parseXML } from "@aws-sdk/xml-builder";

type Element = { readonly [name: string]: unknown };

/** An XML document of S3's: two levels of elements are all that we read. */
export class XmlDocument {
  readonly #root: Element;

  private constructor(root: Element) {
    this.#root = root;
  }

  /** Null for anything but a document with this root element. */
  static read(bytes: Uint8Array, root: string): XmlDocument | null {
    try {
      const document: unknown = parseXML(Buffer.from(bytes).toString());
      const found = isElement(document) ? document[root] : undefined;
      // An empty element has no children but its text.
      if (typeof found === "string") return new XmlDocument({});
      return isElement(found) ? new XmlDocument(found) : null;
    } catch {
      return null;
    }
  }

  /** The text of one child; undefined if it is missing, or has children itself. */
  text(name: string): string | undefined {
    return textOf(this.#root[name]);
  }

  /** The text of a child of each child of one name: of each `Contents` the `Key`. */
  texts(name: string, child: string): readonly string[] {
    return [this.#root[name]].flat().flatMap((element) => (isElement(element) ? (textOf(element[child]) ?? []) : []));
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isElement(value: unknown): value is Element {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
