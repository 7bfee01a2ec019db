import { expect, test } from "vitest";
import { shownEndpoint } from "../../../src/cli/config/location.ts";

test.each([
  ["https://s3.example.com", "https://s3.example.com"],
  ["http://127.0.0.1:9000/base", "http://127.0.0.1:9000/base"],
  ["file:///srv/my%20vaults", "file:///srv/my%20vaults"],
  ["https://user:hunter2@s3.example.com", "https://[secret]@s3.example.com"],
  ["https://hunter2@s3.example.com/x", "https://[secret]@s3.example.com/x"],
  ["https://us@er:hun@ter2@s3.example.com", "https://[secret]@s3.example.com"],
  ["hunter2", "[not a URL]"],
])("%s is shown as %s", (endpoint, shown) => {
  expect(shownEndpoint(endpoint)).toBe(shown);
});
