/** An endpoint for people: without the user and password that a URL can carry. */
export function shownEndpoint(endpoint: string): string {
  if (!URL.canParse(endpoint)) return "[not a URL]";
  const { username, password } = new URL(endpoint);
  return username === "" && password === "" ? endpoint : endpoint.replace(/^([a-z]+:\/\/)[^/]*@/, "$1[secret]@");
}
