/** What the server says, by its own OpenAPI document. */

import type { components } from "../schema";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type Card = Schemas["Card"];
export type Glance = Schemas["Glance"];
export type Schedule = Schemas["Schedule"];
export type Visitors = Schemas["Visitors"];
export type Settings = Schemas["Settings"];
export type AddressKind = Schemas["AddressKind"];
export type Consent = Schemas["ConsentShown"];
export type Chain = Schemas["Chain"];
export type Story = Schemas["Story"];
export type Act = Schemas["ActWish"];
export type Desk = Schemas["DeskShown"];
export type DeskCard = Schemas["DeskCard"];
export type Language = Me["language"];
export type Action = Me["may"][number];
export type Ground = Schemas["GroundShown"];
export type Fences = Schemas["Fences"];
export type Fence = Schemas["FenceShown"];
export type Brought = Schemas["BroughtShown"];
/** What a map needs of a fence. */
export type Shape = Pick<Fence, "id" | "kind" | "state" | "geometry" | "near" | "approach_m">;
export type FenceWish = Schemas["FenceWish"];
export type Rules = Schemas["Rules"];
export type Rule = Schemas["RuleShown"];
export type RuleWish = Schemas["RuleWish"];
export type Trial = Schemas["TrialShown"];
export type FenceChecked = Schemas["FenceChecked"];
export type Version = Schemas["VersionShown"];
export type Figures = Schemas["FiguresShown"];
export type Register = Schemas["Register"];
export type HomeKept = Schemas["HomeKept"];
export type PersonKept = Schemas["PersonKept"];
export type DeviceKept = Schemas["DeviceKept"];
export type Credentials = Schemas["Credentials"];
export type RosterKept = Schemas["RosterKept"];
export type PolicyKept = Schemas["PolicyKept"];
export type Choice = Schemas["Choice"];
export type FileChecked = Schemas["FileChecked"];
export type TextShown = Schemas["TextShown"];
