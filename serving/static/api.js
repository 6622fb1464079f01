// Requests to the API in JSON; errors are turned into sentences for people.

// The path at which the server is seen, such as / or /movies/ behind a proxy.
export const ROOT = new URL("../", import.meta.url).pathname;

const API = `${ROOT}api/v1`;

export class Failed extends Error {
  constructor(message, status, code) {
    super(message);
    this.status = status; // of HTTP, or 0 where the server did not answer
    this.code = code; // why a film cannot be recommended for, if that is what is wrong
  }
}

// Returns the parameters of an address; a list is a parameter for each value, but genres, which
// stand between commas.
function parametersOf(query) {
  return new URLSearchParams(Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) && name !== "genres" ? value : [value]).map((one) => [name, one])));
}

// Returns the answer of an operation. Throws Failed, or AbortError if `signal` cancelled it.
export async function ask(path, { query = {}, body, signal } = {}) {
  const address = API + path + (body ? "" : "?" + parametersOf(query));
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  let response, answer;
  try {
    response = await fetch(address, { ...options, signal });
    answer = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failed("The server does not answer. It may have been stopped.", 0);
  }
  if (!response.ok) throw new Failed(answer.error, response.status, answer.code);
  return answer;
}
