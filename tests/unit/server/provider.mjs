// A provider of OpenID Connect by the library `oidc-provider`, whose own pages for sign-in and consent take any name:
// node provider.mjs PORT BACK SECRET. MODULES: the folder with the library.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [port, back, secret] = process.argv.slice(2);
const found = createRequire(process.env.MODULES + "/").resolve("oidc-provider");
const { Provider } = await import(pathToFileURL(found).href);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "shipway", client_secret: secret, redirect_uris: [back], grant_types: ["authorization_code"], response_types: ["code"] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  pkce: { required: () => true },
  findAccount: async (_, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, email: id, email_verified: !id.startsWith("unverified") }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
