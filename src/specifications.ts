/** What is implemented outside the modules, and the titles of it all; docs.ts makes documents of it. */
import { type Xep, xep } from './core/module.ts'

export interface Rfc {
  readonly number: number
  readonly title: string
  readonly note?: string
}

export const rfcs: readonly Rfc[] = [
  { number: 1928, title: 'SOCKS Protocol Version 5', note: 'for onion services, or all connections to other servers' },
  { number: 2782, title: 'A DNS RR for specifying the location of services (DNS SRV)' },
  { number: 4422, title: 'Simple Authentication and Security Layer (SASL)' },
  { number: 4616, title: 'The PLAIN SASL Mechanism', note: 'off unless the operator switches it on' },
  {
    number: 5280,
    title: 'Internet X.509 Public Key Infrastructure Certificate and CRL Profile',
    note: 'paths of other servers’ certificates (§6.1); no policies, no revocation lists',
  },
  { number: 5802, title: 'SCRAM SASL Mechanisms' },
  { number: 5929, title: 'Channel Bindings for TLS', note: '`tls-server-end-point`' },
  { number: 6120, title: 'XMPP: Core' },
  { number: 6121, title: 'XMPP: Instant Messaging and Presence' },
  { number: 6698, title: 'DANE: TLSA', note: 'usages 2 and 3, of other servers (RFC 7671)' },
  { number: 7395, title: 'An XMPP Subprotocol for WebSocket' },
  { number: 7590, title: 'Use of TLS in XMPP' },
  { number: 7622, title: 'XMPP: Address Format' },
  { number: 7671, title: 'Updates to and Operational Guidance for DANE' },
  { number: 7673, title: 'Using DANE TLSA Records with SRV Records' },
  { number: 7677, title: 'SCRAM-SHA-256 and SCRAM-SHA-256-PLUS' },
  { number: 7686, title: 'The “.onion” Special-Use Domain Name' },
  { number: 7711, title: 'PKIX over Secure HTTP (POSH)', note: 'other servers’ documents are read, unless the operator switches that off' },
  { number: 8264, title: 'PRECIS Framework' },
  { number: 8265, title: 'PRECIS: Usernames and Passwords' },
  { number: 8305, title: 'Happy Eyeballs Version 2', note: 'towards other servers' },
  { number: 9266, title: 'Channel Bindings for TLS 1.3' },
  { number: 9525, title: 'Service Identity in TLS' },
]

/** XEPs that belong to no module, by the folder of src/ that has them. */
export const xepsByFolder: Readonly<Record<string, readonly Xep[]>> = {
  net: [
    xep(156, '1.4.0', 'partial', 'host-meta in XML and JSON; it names the WebSocket of each domain'),
    xep(368, '1.1.0', 'complete', 'for clients and servers; the SRV records of a domain are its operator’s'),
  ],
  sasl: [xep(440, '1.0.0'), xep(474, '0.5.0'), xep(480, '0.2.0'), xep(515, '0.1.0')],
  stream: [
    xep(114, '1.6', 'partial', 'the method `accept`: components connect to the server'),
    xep(178, '1.2', 'partial', 'between servers; clients have no certificates'),
    xep(185, '1.0'),
    xep(198, '1.6.3', 'complete', 'with clients; between servers acknowledgements without resumption'),
    xep(220, '1.1.1', 'complete', 'behind TLS alone; keys are asked about only where the certificate is believed'),
    xep(288, '1.0.1'),
    xep(
      386,
      '1.1.0',
      'partial',
      'what waits is not dropped at binding, but once the archive has shown it; earlier sessions end if they are not connected',
    ),
    xep(388, '1.0.4'),
    xep(484, '0.2.0', 'complete', 'HT-SHA-256-ENDP and HT-SHA-256-NONE; no early data'),
  ],
  xmpp: [
    xep(4, '2.13.2', 'complete', 'for the server’s own forms'),
    xep(68, '1.3.0'),
    xep(82, '1.1.1'),
    xep(297, '1.0', 'complete', 'in carbons and results of the archive'),
    xep(334, '1.0.0'),
  ],
}

/** Namespaces in service discovery that an RFC defines. */
export const rfcFeatures: Readonly<Record<string, number>> = { 'jabber:iq:roster': 6121 }

export const xepTitles: Readonly<Record<number, string>> = {
  4: 'Data Forms',
  30: 'Service Discovery',
  49: 'Private XML Storage',
  50: 'Ad-Hoc Commands',
  54: 'vcard-temp',
  59: 'Result Set Management',
  68: 'Field Standardization for Data Forms',
  60: 'Publish-Subscribe',
  77: 'In-Band Registration',
  82: 'XMPP Date and Time Profiles',
  92: 'Software Version',
  114: 'Jabber Component Protocol',
  115: 'Entity Capabilities',
  128: 'Service Discovery Extensions',
  156: 'Discovering Alternative XMPP Connection Methods',
  157: 'Contact Addresses for XMPP Services',
  160: 'Best Practices for Handling Offline Messages',
  163: 'Personal Eventing Protocol',
  178: 'Best Practices for Use of SASL EXTERNAL with Certificates',
  185: 'Dialback Key Generation and Validation',
  191: 'Blocking Command',
  198: 'Stream Management',
  199: 'XMPP Ping',
  202: 'Entity Time',
  203: 'Delayed Delivery',
  220: 'Server Dialback',
  280: 'Message Carbons',
  288: 'Bidirectional Server-to-Server Connections',
  297: 'Stanza Forwarding',
  313: 'Message Archive Management',
  334: 'Message Processing Hints',
  352: 'Client State Indication',
  359: 'Unique and Stable Stanza IDs',
  368: 'SRV records for XMPP over TLS',
  379: 'Pre-Authenticated Roster Subscription',
  386: 'Bind 2',
  388: 'Extensible SASL Profile',
  401: 'Ad-hoc Account Invitation Generation',
  424: 'Message Retraction',
  440: 'SASL Channel-Binding Type Capability',
  441: 'Message Archive Management Preferences',
  445: 'Pre-Authenticated In-Band Registration',
  474: 'SASL SCRAM Downgrade Protection',
  480: 'SASL Upgrade Tasks',
  484: 'Fast Authentication Streamlining Tokens',
  494: 'Client Access Management',
  504: 'Data Policy',
  515: 'TLS Channel-Binding Downgrade Protection',
}
