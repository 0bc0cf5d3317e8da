// Package causes runs the ranking of causes over files, and measures it: on
// labelled incidents of a real system (PetShop) and on simulated fleets of
// known fault.
package causes
