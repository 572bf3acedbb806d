/** Intercom's JavaScript API and the snippet in one file: `/intercom.js`. scripts/build-snippet makes intercom.min.js of it. */

import './intercom/face.js';
import './t.js';
