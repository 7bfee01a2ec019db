import { expect, test } from "vitest";
import { overriddenLocation, shownEndpoint } from "../../../src/cli/config/location.ts";

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

test.each([
  [{}, true],
  [{ endpoint: "https://s3.example.com/", region: "eu-west-1", prefix: "other/" }, true],
  [{ bucket: "other" }, false],
  [{ endpoint: "https://s3.example.org" }, false],
])("a bucket's terms stay with that bucket of that endpoint: %j", (overrides, stay) => {
  const place = { endpoint: "https://s3.example.com", bucket: "acme", region: "eu-central-1", prefix: "api/prod/" };
  const known = { ...place, credentials: "ambient", requesterPays: true } as const;
  expect(overriddenLocation(known, overrides).requesterPays ?? false).toBe(stay);
});
