/** The exact text of views, by columns. */

export const GATES_40 = `
GATE          PHASE        WEIGHTS
default/shop  Progressing  stable=95 ca…
default/api   Idle         stable=95 ca…
`

export const GATE_40 = `
default/shop  Canary  canary → stable

VARIANT  WEIGHT   SHARE    RPS  ERR %
stable     95 %  94.8 %  812.4   0.02
canary      5 %   5.2 %   43.1   0.00

RELEASE 7f3a  shop:v2
Progressing  Undecided  for 2 m 10 s
◐ 5  ○ 10  ○ 25  ○ 50  ○ 100 %
NeedRequests: about 240 more canary
requests
evidence  [███░░░░░░░] 1.4 of 4.6
needs     about 240 more requests
requests  1 harmed, 4 rescued

LAST DECISIONS
12:00:00Z  Progressing  1 StepStarted
  step 1 of 5: canary gets 5 %
12:01:30Z  Progressing  2 Healthy
  step 2 of 5: canary gets 10 %
`

export const GATES_80 = `
GATE          PHASE        STEP  WEIGHTS               RPS  ERR %  MESSAGE
default/shop  Progressing  1/5   stable=95 canary=5  855.5   0.02  about 240 mo…
default/api   Idle         -     stable=95 canary=5  855.5   0.02
`

export const GATE_80 = `
default/shop  Canary  canary → stable

VARIANT  WEIGHT   SHARE    RPS  ERR %  P50 ms  P99 ms  IN FLIGHT  ENDPOINTS
stable     95 %  94.8 %  812.4   0.02     3.1    21.0          7        3/3
canary      5 %   5.2 %   43.1   0.00     3.4    23.5          1        1/1

RELEASE 7f3a  shop:v2
Progressing  Undecided  for 2 m 10 s
◐ 5  ○ 10  ○ 25  ○ 50  ○ 100 %
NeedRequests: about 240 more canary requests
evidence  [██████░░░░░░░░░░░░░░] 1.4 of 4.6 convicts
needs     about 240 more requests
requests  1 harmed, 4 rescued

LAST DECISIONS
12:00:00Z  Progressing  1 StepStarted: step 1 of 5: canary gets 5 %
12:01:30Z  Progressing  2 Healthy: step 2 of 5: canary gets 10 %
`

export const GATES_120 = `
GATE          PHASE        STEP  WEIGHTS               RPS  ERR %  MESSAGE
default/shop  Progressing  1/5   stable=95 canary=5  855.5   0.02  about 240 more canary requests
default/api   Idle         -     stable=95 canary=5  855.5   0.02
`

export const GATE_120 = `
default/shop  Canary  canary → stable

VARIANT  WEIGHT   SHARE    RPS  ERR %  P50 ms  P99 ms  IN FLIGHT  ENDPOINTS
stable     95 %  94.8 %  812.4   0.02     3.1    21.0          7        3/3
canary      5 %   5.2 %   43.1   0.00     3.4    23.5          1        1/1

RELEASE 7f3a  shop:v2
Progressing  Undecided  for 2 m 10 s
◐ 5  ○ 10  ○ 25  ○ 50  ○ 100 %
NeedRequests: about 240 more canary requests
evidence  [██████░░░░░░░░░░░░░░] 1.4 of 4.6 convicts
needs     about 240 more requests
requests  1 harmed, 4 rescued

LAST DECISIONS
12:00:00Z  Progressing  1 StepStarted: step 1 of 5: canary gets 5 %
12:01:30Z  Progressing  2 Healthy: step 2 of 5: canary gets 10 %
`

export const HISTORY_40 = `
RELEASE  REVISION  PHASE
7f3a     shop:v2   Progressing
6b10     shop:v2   RolledBack
`

export const HISTORY_80 = `
RELEASE  REVISION  PHASE        STARTED                TOOK  REASON
7f3a     shop:v2   Progressing  2026-11-25 12:00Z  2 m 10 s  NeedRequests
6b10     shop:v2   RolledBack   2026-11-25 12:00Z       8 s  ErrorRate
`

export const RECORD_80 = `
RELEASE 6b10  shop:v2
RolledBack  Canary  2026-11-25 12:00Z  took 8 s
ErrorRate: canary failed 6 of 41 requests (14.6 %), stable 0 of 780
requests  1 harmed, 4 rescued

DECISIONS
12:00:00Z  Progressing  step 1  stable=95 canary=5
  Undecided
  StepStarted: step 1 of 5: canary gets 5 %
`
