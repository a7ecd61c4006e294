-- The person whose token it is. Of tokens made before, only those count whose maker's name is a person's and no token's.
ALTER TABLE api_tokens ADD COLUMN owner TEXT COLLATE NOCASE;
UPDATE api_tokens SET owner = coalesce(person, created_by)
WHERE person IS NOT NULL
  OR (created_by IN (SELECT name FROM people) AND created_by NOT IN (SELECT name FROM api_tokens));
