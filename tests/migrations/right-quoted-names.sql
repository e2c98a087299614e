-- As an ORM writes them: mixed case, spaces, words of SQL.
-- verdict: RESTORED
-- triage: breaking
--- before
CREATE TABLE "Order" ("Id" serial PRIMARY KEY, "user" text, "Total Amount" numeric(10,2));
CREATE INDEX "IX_Order_user" ON "Order" ("user");
--- rows
INSERT INTO "Order" ("user", "Total Amount") VALUES ('O''Neill', 1.10), (NULL, 2.20);
--- up
CREATE TABLE "Order Item" ("Id" serial PRIMARY KEY, "OrderId" int REFERENCES "Order" ("Id"), "from" date);
ALTER TABLE "Order" RENAME COLUMN "Total Amount" TO "total.amount";
--- down
ALTER TABLE "Order" RENAME COLUMN "total.amount" TO "Total Amount";
DROP TABLE "Order Item";
