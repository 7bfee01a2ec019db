import type { JsonObject } from "../../canonical-json.ts";
import { type At, elementsOf, memberOf, requireDistinct, requireObject, requireText } from "../given.ts";

/**
 * The form of a part of given JSON: as a check that reports the path, and as a JSON Schema (draft 2020-12) for editors.
 */
export interface Form {
  /** @throws what `at.refuse` makes */
  readonly check: (at: At) => void;
  readonly schema: JsonObject;
}

/** An object with these members. Those that end in `?` are optional. */
export function exactly(members: Readonly<Record<string, Form>>): Form {
  const forms = Object.entries(members).map(([spelled, form]) => {
    return { name: spelled.replace("?", ""), isRequired: !spelled.endsWith("?"), form };
  });
  const required = forms.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  return {
    check(at) {
      const given = requireObject(at);
      const unknown = Object.keys(given).find((name) => !forms.some((it) => it.name === name));
      if (unknown !== undefined) throw at.refuse(`${at.path}.${unknown}`, "is not known");
      for (const { name, isRequired, form } of forms) {
        if (Object.hasOwn(given, name)) form.check(memberOf(at, name));
        else if (isRequired) throw at.refuse(`${at.path}.${name}`, "is missing");
      }
    },
    schema: {
      type: "object",
      properties: Object.fromEntries(forms.map(({ name, form }) => [name, form.schema])),
      ...(required.length === 0 ? {} : { required }),
      additionalProperties: false,
    },
  };
}

export function recordOf(value: Form): Form {
  return {
    check: (at) => Object.keys(requireObject(at)).forEach((name) => value.check(memberOf(at, name))),
    schema: { type: "object", additionalProperties: value.schema },
  };
}

export function listOf(element: Form, { distinct = false } = {}): Form {
  return {
    check(at) {
      const elements = elementsOf(at);
      elements.forEach((it) => element.check(it));
      if (distinct) requireDistinct(elements);
    },
    schema: { type: "array", items: element.schema, ...(distinct ? { uniqueItems: true } : {}) },
  };
}

export const anyText = textThat(() => null);

export const backendId = text(
  /^[a-z0-9][a-z0-9._-]{0,63}$/,
  "must have 1\u202664 of a\u2026z, 0\u20269, ., _ and -, and start with a letter or digit",
);

export function text(form: RegExp, fault: string): Form {
  const any = textThat((it) => (form.test(it) ? null : fault));
  return { ...any, schema: { ...any.schema, pattern: form.source } };
}

export function textThat(fault: (text: string) => string | null): Form {
  return {
    check(at) {
      const found = fault(requireText(at));
      if (found !== null) throw at.refuse(at.path, found);
    },
    schema: { type: "string" },
  };
}

export function oneOf(words: readonly string[]): Form {
  return {
    check(at) {
      if (!words.some((word) => word === at.value)) throw at.refuse(at.path, `must be ${words.join(" or ")}`);
    },
    schema: { enum: words },
  };
}

export function onlyTrue(fault = "must be true, or left out"): Form {
  return {
    check(at) {
      if (at.value !== true) throw at.refuse(at.path, fault);
    },
    schema: { const: true },
  };
}

export function integer(from: number, to: number): Form {
  return {
    check({ value, path, refuse }) {
      const isInRange = Number.isSafeInteger(value) && Number(value) >= from && Number(value) <= to;
      if (!isInRange) throw refuse(path, `must be an integer from ${from} to ${to}`);
    },
    schema: { type: "integer", minimum: from, maximum: to },
  };
}
