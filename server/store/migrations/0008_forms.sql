-- Forms of a site over all people, for the dashboard: found without looking at anybody's other totals. What every event
-- changes is not in these indexes.

CREATE INDEX totals_form_errors ON totals (site, key) WHERE kind = 3;
CREATE INDEX totals_form_submits ON totals (site, key) WHERE kind = 4;
