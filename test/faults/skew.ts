/** Loaded before a program: it takes another time for the present one, by so many ms as `FAULTS_SKEW` says. */
const skew = Number(process.env['FAULTS_SKEW'])
const { now } = Date
Date.now = () => now() + skew
